DROP TABLE face_vectors;
