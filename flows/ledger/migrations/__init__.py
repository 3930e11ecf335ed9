"""The history of the ledger's schema, run by `flows.ledger.database.migrate` whenever a ledger is opened."""
