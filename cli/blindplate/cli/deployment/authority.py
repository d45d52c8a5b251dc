"""A certificate authority for a small deployment: P-256 certificates, each with one SPIFFE URI.

Guarantees that a party's certificate carries its one SPIFFE URI and, for servers, the DNS name channels pin. It
does not renew or revoke: a production deployment brings an authority of its own.
"""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Final

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    load_pem_private_key,
)
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

from blindplate.core.errors import SettingsError
from blindplate.edge.keyfiles import read_public, read_secret, write_public, write_secret
from blindplate.edge.tls import server_name, spiffe_id

_CLOCK_SKEW: Final = timedelta(minutes=5)


class Authority:
    """A P-256 certificate authority whose certificates run from ``begins`` for ``days``."""

    def __init__(
        self,
        begins: int,
        days: int = 0,
        saved: tuple[ec.EllipticCurvePrivateKey, x509.Certificate] | None = None,
    ) -> None:
        """Make one; of one that was ``saved``, what it issues from ``begins`` on runs as long as its own certificate."""
        self._not_before = datetime.fromtimestamp(begins, UTC) - _CLOCK_SKEW
        if saved is not None:
            self._key, self._certificate = saved
            self._name, self._not_after = self._certificate.subject, self._certificate.not_valid_after_utc
            return
        self._not_after = self._not_before + timedelta(days=days)
        self._key = ec.generate_private_key(ec.SECP256R1())
        self._name = _name("blindplate authority")
        self._certificate = (
            self._builder(self._name, self._key.public_key())
            .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
            .add_extension(_usage(signs_certificates=True), critical=True)
            .sign(self._key, SHA256())
        )

    @classmethod
    def load(cls, folder: Path) -> Authority:
        """The authority that was saved in ``folder``; what it issues now runs as long as its own certificate.

        Raises SettingsError for files that are none of an authority's.
        """
        try:
            certificate = x509.load_pem_x509_certificate(read_public(folder / "ca.crt"))
            key = load_pem_private_key(read_secret(folder / "ca.key"), None)
        except ValueError:
            raise SettingsError(
                f"The folder {folder} does not hold an authority.", "Name the folder of ca.crt and ca.key."
            ) from None
        if not isinstance(key, ec.EllipticCurvePrivateKey):
            raise SettingsError(f"The authority's key in {folder} is of another kind than P-256.")
        now = int(datetime.now(UTC).timestamp())
        if certificate.not_valid_after_utc.timestamp() <= now:
            raise SettingsError(f"The authority in {folder} has expired.", "Bring another authority.")
        return cls(now, saved=(key, certificate))

    def save(self, folder: Path) -> None:
        """Write ``ca.crt`` and ``ca.key`` (mode 0600) into ``folder``."""
        write_public(folder / "ca.crt", self._certificate.public_bytes(Encoding.PEM))
        write_secret(folder / "ca.key", _pem(self._key))

    def issue(self, folder: Path, role: str, party: str, *, server: bool = False) -> str:
        """Write ``tls.crt``, ``tls.key`` and ``ca.crt`` for a party into ``folder``; give its SPIFFE id."""
        key = ec.generate_private_key(ec.SECP256R1())
        identity = spiffe_id(role, party)
        names: list[x509.GeneralName] = [x509.UniformResourceIdentifier(identity)]
        purposes = [ExtendedKeyUsageOID.CLIENT_AUTH]
        if server:
            names.append(x509.DNSName(server_name(party)))
            purposes.append(ExtendedKeyUsageOID.SERVER_AUTH)
        certificate = (
            self._builder(_name(party), key.public_key())
            .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
            .add_extension(_usage(signs_certificates=False), critical=True)
            .add_extension(x509.ExtendedKeyUsage(purposes), critical=False)
            .add_extension(x509.SubjectAlternativeName(names), critical=False)
            .sign(self._key, SHA256())
        )
        write_public(folder / "ca.crt", self._certificate.public_bytes(Encoding.PEM))
        write_public(folder / "tls.crt", certificate.public_bytes(Encoding.PEM))
        write_secret(folder / "tls.key", _pem(key))
        return identity

    def _builder(self, subject: x509.Name, public_key: ec.EllipticCurvePublicKey) -> x509.CertificateBuilder:
        return (
            x509.CertificateBuilder()
            .subject_name(subject)
            .issuer_name(self._name)
            .public_key(public_key)
            .serial_number(x509.random_serial_number())
            .not_valid_before(self._not_before)
            .not_valid_after(self._not_after)
            .add_extension(x509.SubjectKeyIdentifier.from_public_key(public_key), critical=False)
            .add_extension(
                x509.AuthorityKeyIdentifier.from_issuer_public_key(self._key.public_key()), critical=False
            )
        )


def _name(common_name: str) -> x509.Name:
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, common_name)])


def _usage(*, signs_certificates: bool) -> x509.KeyUsage:
    return x509.KeyUsage(
        digital_signature=not signs_certificates,
        key_cert_sign=signs_certificates,
        crl_sign=signs_certificates,
        content_commitment=False,
        key_encipherment=False,
        data_encipherment=False,
        key_agreement=False,
        encipher_only=False,
        decipher_only=False,
    )


def _pem(key: ec.EllipticCurvePrivateKey) -> bytes:
    return key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
