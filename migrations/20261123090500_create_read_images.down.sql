DROP TABLE read_image_vectors;
DROP TABLE read_image_hashes;
DROP TABLE read_images;
