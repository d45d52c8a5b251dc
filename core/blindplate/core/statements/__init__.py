"""What parties sign: grants, camera policies, zone registers, key announcements, manifests, release requests, decisions.

Every statement is JSON inside a DSSE envelope (``core.signing.Statement``): the signature covers the very bytes
that travel, so nothing rests on a canonical form. Unknown fields are refused. Protocol sections 3, 5, 6 and 7.
"""
