DROP TABLE share_fetches;
DROP TABLE share_links;
