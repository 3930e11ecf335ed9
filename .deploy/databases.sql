-- Prefect's database is made by the image; the ledger's is this one.
CREATE DATABASE sitewatch;
