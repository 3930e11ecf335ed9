"""What the desk reads and does: the ledger, the evidence of a case, reruns."""
