"""What the role certificate issues, with the real modules, is what an iPad and strict verification take."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from bare_host import situation
from cryptography.hazmat.primitives.asymmetric.ec import EllipticCurvePublicKey
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.x509 import AuthorityKeyIdentifier, BasicConstraints, ExtendedKeyUsage, KeyUsage, SubjectKeyIdentifier
from cryptography.x509.oid import ExtendedKeyUsageOID
from reachable.endpoints import is_address
from reachable.plan import certificates
from reachable.plan.certificates import x509
from reachable.plan.situation import Authority, Controller

if TYPE_CHECKING:
    from reachable.plan.certificates.parsed import Certificate

ROOT = Path(__file__).resolve().parents[3]
TASKS = ROOT / "roles/certificate/tasks"
DAY = 86400
LONGEST_DAYS = 825

pytestmark = pytest.mark.programs


def issue(folder: Path, name: str, **of_authority: Any) -> Certificate:
    """Let the role make what is missing of an authority, and issue a certificate; return that, read from its file."""
    there = situation(
        {"reachable_tls": "ca", "tls_names": ["notebooks.example.org"]},
        {"addresses": {"mdns": "vps.local", "ipv6": "2001:db8::7"}},
        controller=Controller("203.0.113.9", authority=Authority(str(folder / "ca"), controller="here")),
    )
    planned = certificates.planned(there)
    planned["ca"]["authority"] |= of_authority
    tasks = [
        {
            "ansible.builtin.include_tasks": str(TASKS / "authority.yml"),
            "when": "__plan.certificate.ca.authority.is_to_make",
        },
        {"ansible.builtin.include_tasks": str(TASKS / "issue.yml")},
        {
            "ansible.builtin.copy": {
                "content": "{{ __reachable_certificate }}",
                "dest": str(folder / name),
                "mode": "0600",
            }
        },
    ]
    variables = {"__plan": {"certificate": planned}, "ansible_python_interpreter": sys.executable}
    play = {"hosts": "localhost", "connection": "local", "gather_facts": False, "vars": variables, "tasks": tasks}
    (folder / "play.yml").write_text(yaml.safe_dump([play]))
    subprocess.run(
        [sys.executable, "-m", "ansible", "playbook", str(folder / "play.yml")],
        env={**os.environ, "ANSIBLE_CONFIG": f"{ROOT}/ansible.cfg"},
        check=True,
    )
    return read(folder / name)


def read(path: Path) -> Certificate:
    (found,) = x509.read(path.read_text())
    return found


def verify(root: Path, leaf: Path, *names: str) -> None:
    """Have OpenSSL verify a certificate, strictly, for each name."""
    for name in names:
        option = "-verify_ip" if is_address(name) else "-verify_hostname"
        command = ["openssl", "verify", "-x509_strict", "-purpose", "sslserver", option, name, "-CAfile", str(root)]
        subprocess.run([*command, str(leaf)], check=True)


def extension(certificate: Certificate, kind: Any) -> Any:
    return certificate.x509.extensions.get_extension_for_class(kind)


def test_root_and_leaf_are_by_the_rules_and_a_new_root_overlaps(tmp_path: Path) -> None:
    leaf = issue(tmp_path, "leaf.pem")
    root = read(tmp_path / "ca/root.pem")
    modes = {path.name: path.stat().st_mode & 0o777 for path in [tmp_path / "ca", *(tmp_path / "ca").iterdir()]}
    assert modes == {"ca": 0o700, "root.key": 0o600, "root.pem": 0o644}

    names = ["vps.local", "203.0.113.9", "192.0.2.7", "2001:db8::7", "vps", "notebooks.example.org"]
    assert sorted(leaf.names) == sorted([*names, "localhost", "127.0.0.1", "::1"])
    verify(tmp_path / "ca/root.pem", tmp_path / "leaf.pem", *names)
    # Apple's rules
    for each in (root, leaf):
        key = each.x509.public_key()
        assert isinstance(key, EllipticCurvePublicKey)
        assert key.curve.name == "secp256r1"
        assert isinstance(each.x509.signature_hash_algorithm, SHA256)
    assert (leaf.end - leaf.begin) / DAY <= LONGEST_DAYS
    assert list(extension(leaf, ExtendedKeyUsage).value) == [ExtendedKeyUsageOID.SERVER_AUTH]
    # and those of VERIFY_X509_STRICT
    assert extension(root, BasicConstraints).critical
    assert extension(root, BasicConstraints).value.ca
    assert not extension(leaf, BasicConstraints).value.ca
    assert extension(root, KeyUsage).critical
    assert extension(root, KeyUsage).value.key_cert_sign
    assert (
        extension(root, SubjectKeyIdentifier).value.digest
        == extension(leaf, AuthorityKeyIdentifier).value.key_identifier
    )

    before = tmp_path / "ca/root.before.pem"
    kept = {"path": str(before), "content": root.pem}
    later = issue(tmp_path, "later.pem", is_to_renew=True, common_name=root.common_name, entries=[kept])
    renewed = read(tmp_path / "ca/root.pem")
    assert renewed.pem != root.pem == read(before).pem
    # whoever has the one of before trusts what is issued now, and the other way round
    assert later.is_issued_by(root)
    verify(before, tmp_path / "later.pem", "vps.local")
    verify(tmp_path / "ca/root.pem", tmp_path / "leaf.pem", "vps.local")

    (tmp_path / "ca/root.key").unlink()
    last = issue(tmp_path, "last.pem", common_name=root.common_name, entries=[])
    assert last.is_issued_by(read(tmp_path / "ca/root.pem"))
    assert not last.is_issued_by(root)
