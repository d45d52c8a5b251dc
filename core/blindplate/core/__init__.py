"""The pure core: plates, domains, pseudonyms, records, grants and the errors all parts raise.

No input or output happens here and nothing reads a clock: whoever calls passes in bytes and times.
"""
