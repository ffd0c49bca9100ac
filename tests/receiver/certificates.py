"""Certificates for the receiver: a right one, and ones that nobody should trust."""

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives.asymmetric.ec import (
    SECP256R1,
    EllipticCurvePrivateKey,
    generate_private_key,
)
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from tests.receiver import HOST

GOOD, SELF_SIGNED, EXPIRED, OTHER_NAME = "good", "self-signed", "expired", "other-name"
DAY = timedelta(days=1)


def make_certificates(folder: Path) -> tuple[Mapping[str, Path], Path]:
    """Files with a key and a certificate each, by name; and the authority's certificate, which those trust who shall."""
    authority_key = generate_private_key(SECP256R1())
    now = datetime.now(UTC)
    authority = _certificate("Authority", authority_key, None, now - DAY, now + DAY)
    issuer = (authority, authority_key)
    made = {}
    for name, signed_by, until, host in (
        (GOOD, issuer, now + DAY, HOST),
        (SELF_SIGNED, None, now + DAY, HOST),
        (EXPIRED, issuer, now - DAY / 2, HOST),
        (OTHER_NAME, issuer, now + DAY, "192.0.2.1"),
    ):
        key = generate_private_key(SECP256R1())
        certificate = _certificate(host, key, signed_by, now - DAY, until)
        private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
        made[name] = folder / f"{name}.pem"
        made[name].write_bytes(private + certificate.public_bytes(Encoding.PEM))
    trusted = folder / "authority.pem"
    trusted.write_bytes(authority.public_bytes(Encoding.PEM))
    return made, trusted


def _certificate(
    name: str,
    key: EllipticCurvePrivateKey,
    signed_by: tuple[x509.Certificate, EllipticCurvePrivateKey] | None,
    since: datetime,
    until: datetime,
) -> x509.Certificate:
    """A certificate for an IP address, or (for a name) an authority's; without `signed_by`, of its own making."""
    subject = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
    issuer = signed_by[0].subject if signed_by else subject
    builder = (
        x509.CertificateBuilder()
        .subject_name(subject)
        .issuer_name(issuer)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(since)
        .not_valid_after(until)
    )
    is_authority = name == "Authority"
    builder = builder.add_extension(x509.BasicConstraints(is_authority, None), critical=True)
    builder = builder.add_extension(
        x509.SubjectKeyIdentifier.from_public_key(key.public_key()), critical=False
    )
    if signed_by:
        builder = builder.add_extension(
            x509.AuthorityKeyIdentifier.from_issuer_public_key(signed_by[1].public_key()),
            critical=False,
        )
    if is_authority:
        usage = x509.KeyUsage(
            digital_signature=False,
            content_commitment=False,
            key_encipherment=False,
            data_encipherment=False,
            key_agreement=False,
            key_cert_sign=True,
            crl_sign=True,
            encipher_only=False,
            decipher_only=False,
        )
        builder = builder.add_extension(usage, critical=True)
    else:
        names = x509.SubjectAlternativeName([x509.IPAddress(ip_address(name))])
        builder = builder.add_extension(names, critical=False)
    return builder.sign(signed_by[1] if signed_by else key, SHA256())
