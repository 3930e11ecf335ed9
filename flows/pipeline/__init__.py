"""One area, one week: fetch, detect, record; periods, digests, replay, cost, versions."""
