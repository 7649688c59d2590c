DROP TABLE keys.erasures;
DROP TABLE keys.subject_keys;
DROP SCHEMA keys;
