-- Whatever was sealed under these keys opens nowhere afterwards.
DROP TABLE keys.picture_keys_file;
DROP TABLE keys.picture_keys;
