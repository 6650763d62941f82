//! One project.

use signal::AppId;
use token::Credentials;

use super::ProjectError;

/// The App ID of the project that every service without another configuration knows; it has no certificate.
pub const DEFAULT_APP_ID: &str = "76697361766973206c6f63616c206170";

/// The most characters of a name.
pub(super) const MOST_NAME: usize = 64;

/// A project. With a certificate every join needs a token made with it; without one, whoever knows the App ID may join.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Project {
    app_id: AppId,
    name: String,
    credentials: Option<Credentials>,
    enabled: bool,
}

/// 32 random hexadecimal characters: an App ID or a certificate.
pub fn fresh_key() -> String {
    format!("{:032x}", rand::random::<u128>())
}

impl Project {
    /// A project without a certificate.
    pub fn open(app_id: AppId) -> Self {
        Self { app_id, name: String::new(), credentials: None, enabled: true }
    }

    /// A project with a certificate (32 hexadecimal characters).
    pub fn secured(app_id: AppId, certificate: &str) -> Result<Self, ProjectError> {
        let mut project = Self::open(app_id);
        project.set_certificate(Some(certificate))?;
        Ok(project)
    }

    /// The project of [`DEFAULT_APP_ID`].
    pub fn local() -> Self {
        let app_id = DEFAULT_APP_ID.parse().expect("the constant is 32 hexadecimal characters");
        Self { name: "Default".into(), ..Self::open(app_id) }
    }

    /// A new project with an App ID drawn at random, and no certificate.
    pub fn fresh(name: &str) -> Result<Self, ProjectError> {
        Self::open(fresh_key().parse().expect("32 hexadecimal digits are an App ID")).named(name)
    }

    /// The same under another name.
    pub fn named(mut self, name: &str) -> Result<Self, ProjectError> {
        self.rename(name)?;
        Ok(self)
    }

    /// The same, but nobody joins.
    pub fn disabled(self) -> Self {
        Self { enabled: false, ..self }
    }

    pub fn app_id(&self) -> &AppId {
        &self.app_id
    }

    /// What people call it; may be empty, and need not differ from another's.
    pub fn name(&self) -> &str {
        &self.name
    }

    pub fn credentials(&self) -> Option<&Credentials> {
        self.credentials.as_ref()
    }

    pub fn has_certificate(&self) -> bool {
        self.credentials.is_some()
    }

    /// The certificate itself. Whoever has it makes tokens for everyone: it belongs on no log and on no page unasked.
    pub fn reveal_certificate(&self) -> Option<&str> {
        self.credentials.as_ref().map(Credentials::reveal_certificate)
    }

    pub fn is_enabled(&self) -> bool {
        self.enabled
    }

    pub fn set_enabled(&mut self, enabled: bool) {
        self.enabled = enabled;
    }

    pub fn rename(&mut self, name: &str) -> Result<(), ProjectError> {
        let name = name.trim();
        if name.chars().count() > MOST_NAME || name.chars().any(char::is_control) {
            return Err(ProjectError::Name);
        }
        self.name = name.to_owned();
        Ok(())
    }

    /// Switches the certificate on, to another, or off. Tokens made with the one before are no longer accepted; who is in a call stays in it.
    pub fn set_certificate(&mut self, certificate: Option<&str>) -> Result<(), ProjectError> {
        let credentials = |certificate| Credentials::new(self.app_id.as_str(), certificate).map_err(|_| ProjectError::Certificate);
        self.credentials = certificate.map(credentials).transpose()?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

    #[test]
    fn a_projects_debug_text_hides_its_certificate() {
        let project = Project::secured(Project::local().app_id().clone(), CERTIFICATE).unwrap();
        assert!(!format!("{project:?}").contains("5CFd"));
        assert_eq!(project.reveal_certificate(), Some(CERTIFICATE));
    }

    #[test]
    fn a_certificate_goes_on_to_another_and_off() {
        let mut project = Project::fresh("Lessons").unwrap();
        assert!(!project.has_certificate());
        project.set_certificate(Some(CERTIFICATE)).unwrap();
        let other = fresh_key();
        project.set_certificate(Some(&other)).unwrap();
        assert_eq!(project.reveal_certificate(), Some(&other[..]));
        assert_eq!(project.set_certificate(Some("short")), Err(ProjectError::Certificate));
        assert_eq!(project.reveal_certificate(), Some(&other[..]), "a mistake changes nothing");
        project.set_certificate(None).unwrap();
        assert!(!project.has_certificate());
    }

    #[test]
    fn a_name_is_short_and_on_one_line() {
        assert_eq!(Project::fresh("  Große Pause 🎓 ").unwrap().name(), "Große Pause 🎓");
        for bad in ["two\nlines", "\u{1b}[31m", &"x".repeat(65)] {
            assert_eq!(Project::fresh(bad), Err(ProjectError::Name), "{bad:?}");
        }
    }
}
