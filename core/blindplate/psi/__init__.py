"""The encrypted match (protocol section 5; docs/spec/match.md): the only place that touches homomorphic encryption.

For others: ``parameters`` (the reviewed sets), ``layout`` (the shape of a list), ``owner`` (encrypt a list, open
answers), ``matcher`` (load a list, answer a batch) and ``selftest`` (run it before serving). Bytes and numbers go in and
come out; SEAL's objects stay inside.

Within, from the bytes up: ``packing``, ``blob`` and ``answer`` are the forms on the wire; ``arithmetic``, ``randomness``,
``hashing`` and ``expansion`` are arrays of numbers; ``mapping``, ``polynomial`` and ``assignment`` say what stands where;
``sealapi``, ``frames`` and ``context`` are SEAL; ``evaluation`` computes, and ``mask`` hides what was computed.
"""
