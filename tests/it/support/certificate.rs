//! Certificates for tests.

use std::path::PathBuf;

use rcgen::{
    BasicConstraints, CertificateParams, CertifiedIssuer, DnType, ExtendedKeyUsagePurpose, IsCa,
    KeyPair, KeyUsagePurpose,
};

use super::Folder;

/// A certificate authority that a test trusts.
pub(crate) struct TestAuthority {
    issuer: CertifiedIssuer<'static, KeyPair>,
    /// The root's certificate in PEM, for clients.
    pub(crate) root: PathBuf,
}

impl TestAuthority {
    pub(crate) fn new(folder: &Folder) -> Self {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "Duogate's tests");
        params.is_ca = IsCa::Ca(BasicConstraints::Unconstrained);
        params.key_usages = vec![
            KeyUsagePurpose::KeyCertSign,
            KeyUsagePurpose::DigitalSignature,
        ];
        let issuer = CertifiedIssuer::self_signed(params, KeyPair::generate().unwrap()).unwrap();
        let root = folder.write("root.pem", issuer.pem());
        Self { issuer, root }
    }

    /// Writes `NAME.crt` and `NAME.key` for these names and addresses.
    pub(crate) fn issue(&self, folder: &Folder, name: &str, hosts: &[&str]) -> (PathBuf, PathBuf) {
        self.issue_from(folder, name, &leaf(name, hosts))
    }

    /// The same for parameters that a test has changed.
    pub(crate) fn issue_from(
        &self,
        folder: &Folder,
        name: &str,
        params: &CertificateParams,
    ) -> (PathBuf, PathBuf) {
        self.issue_for(folder, name, params, &KeyPair::generate().unwrap())
    }

    /// The same for a key that a test has chosen.
    pub(crate) fn issue_for(
        &self,
        folder: &Folder,
        name: &str,
        params: &CertificateParams,
        key: &KeyPair,
    ) -> (PathBuf, PathBuf) {
        let certificate = params.signed_by(key, &self.issuer).unwrap();
        (
            folder.write(&format!("{name}.crt"), certificate.pem()),
            folder.write(&format!("{name}.key"), key.serialize_pem()),
        )
    }

    /// An authority below this one, and its certificate in PEM. Its root is this one's.
    pub(crate) fn intermediate(&self) -> (Self, String) {
        let mut params = CertificateParams::new(Vec::new()).unwrap();
        params
            .distinguished_name
            .push(DnType::CommonName, "Duogate's tests, intermediate");
        params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
        params.key_usages = vec![KeyUsagePurpose::KeyCertSign];
        params.use_authority_key_identifier_extension = true;
        let key = KeyPair::generate().unwrap();
        let issuer = CertifiedIssuer::signed_by(params, key, &self.issuer).unwrap();
        let pem = issuer.pem();
        let root = self.root.clone();
        (Self { issuer, root }, pem)
    }
}

/// Parameters of a server certificate.
pub(crate) fn leaf(name: &str, hosts: &[&str]) -> CertificateParams {
    let hosts = hosts.iter().map(ToString::to_string).collect::<Vec<_>>();
    let mut params = CertificateParams::new(hosts).unwrap();
    params.distinguished_name.push(DnType::CommonName, name);
    params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
    params.use_authority_key_identifier_extension = true;
    params
}
