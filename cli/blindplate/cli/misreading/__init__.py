"""A day of reads as an engine gives them: which plates it misreads, how, and how sure of each character it was.

Everything follows from a seed. Nothing here is secret. What is assumed stands in docs/benchmarks.md, *Misreads*.
"""
