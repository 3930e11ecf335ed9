"""One sensor's series over an area: its baseline, its last acquisitions, and what it says of a new one."""
