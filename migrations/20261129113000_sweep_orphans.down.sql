DROP INDEX events_image_uploaded;
DROP TABLE installation;
