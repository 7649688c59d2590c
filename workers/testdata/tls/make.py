"""Makes the certificates of the fetcher's tests (Python's cryptography 48). The key of the authority is thrown away."""
from datetime import datetime, timezone
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

HERE = Path(__file__).parent
BEGIN, END = datetime(2020, 1, 1, tzinfo=timezone.utc), datetime(2120, 1, 1, tzinfo=timezone.utc)
NAMES = ["secure.test", "cdn.secure.test", "xn--bcher-kva.test"]


def name(text):
    return x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, text)])


def certificate(of, by, public, secret, end=END, authority=False, names=NAMES):
    made = x509.CertificateBuilder(name(by), name(of), public, x509.random_serial_number(), BEGIN, end)
    made = made.add_extension(x509.BasicConstraints(authority, None), critical=True)
    if not authority:
        made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName(n) for n in names]), critical=False)
        made = made.add_extension(x509.ExtendedKeyUsage([ExtendedKeyUsageOID.SERVER_AUTH]), critical=False)
    return made.sign(secret, hashes.SHA256()).public_bytes(serialization.Encoding.DER)


top, stranger, server = (ec.generate_private_key(ec.SECP256R1()) for _ in range(3))
TOP = "Vara tests: authority"
files = {
    "authority.der": certificate(TOP, TOP, top.public_key(), top, authority=True),
    "server.der": certificate("server", TOP, server.public_key(), top),
    "expired.der": certificate("server", TOP, server.public_key(), top, end=datetime(2020, 1, 2, tzinfo=timezone.utc)),
    "stranger.der": certificate("server", "somebody", server.public_key(), stranger),
    "server.key.der": server.private_bytes(
        serialization.Encoding.DER, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
    ),
}
for file, content in files.items():
    (HERE / file).write_bytes(content)
