"""Records: one read for one domain, sealed so that it opens only with three secrets (protocol section 4).

Specified in docs/spec/records.md. ``sealing`` and ``opening`` are the two ends; ``header``, ``record``, ``wire``
and ``attestation`` are what travels between them; ``commitments`` and ``padding`` are what both compute alike.
"""
