DROP TABLE read_plan_items;
