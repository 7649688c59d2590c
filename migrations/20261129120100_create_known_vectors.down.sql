DROP TABLE known_vectors;
