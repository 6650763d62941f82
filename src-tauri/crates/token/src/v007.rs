//! Version 007: `"007" base64(zlib(string(signature) info))`, where the signed info is
//! `string(appId) u32 issued, u32 expire, u32 salt, u16 count, service…`.

use crate::{
    BuildError, Credentials, Malformed, Service, Version,
    bytes::{Reader, Writer},
    envelope,
    mac::{self, Signature},
};

/// Who may do what, and for how long.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Grant {
    /// Unix seconds.
    pub issued: u32,
    /// Seconds after the issue.
    pub expire: u32,
    pub salt: u32,
    pub services: Vec<Service>,
}

/// A token taken apart, its signature not checked.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Token {
    pub app_id: String,
    /// Without the services from the first unknown one on.
    pub grant: Grant,
    signature: Signature,
    signed: Vec<u8>,
}

/// A token of at least one service. They are sorted by kind; those of one kind keep their order.
pub fn build(credentials: &Credentials, grant: &Grant) -> Result<String, BuildError> {
    if grant.services.is_empty() {
        return Err(BuildError::NoService);
    }
    let mut services: Vec<&Service> = grant.services.iter().collect();
    services.sort_by_key(|service| service.body.kind());
    let mut info = Writer::default();
    info.bytes(credentials.app_id().as_bytes())?;
    info.u32(grant.issued);
    info.u32(grant.expire);
    info.u32(grant.salt);
    info.u16(u16::try_from(services.len()).map_err(|_| BuildError::TooLong)?);
    services.iter().try_for_each(|service| service.write(&mut info))?;
    let info = info.into_bytes();
    let mut content = Writer::default();
    content.bytes(&mac::sign(&signing_key(credentials, grant.issued, grant.salt), &[&info]))?;
    content.raw(&info);
    let content = content.into_bytes();
    if content.len() > envelope::MOST_INFLATED {
        return Err(BuildError::TooLong);
    }
    envelope::encode(Version::V007.as_str(), &envelope::deflate(&content))
}

/// Total, like all parsers here.
pub fn parse(token: &str) -> Result<Token, Malformed> {
    envelope::check_length(token)?;
    let content = token.strip_prefix(Version::V007.as_str()).ok_or(Malformed::Version)?;
    let content = envelope::inflate(&envelope::decode(content)?)?;
    let mut reader = Reader::new(&content);
    let signature = mac::signature(reader.bytes()?)?;
    let signed = reader.rest().to_owned();
    let app_id = reader.text()?;
    let (issued, expire, salt, count) = (reader.u32()?, reader.u32()?, reader.u32()?, reader.u16()?);
    let mut services = Vec::new();
    for _ in 0..count {
        match Service::read(&mut reader)? {
            Some(service) => services.push(service),
            None => break,
        }
    }
    Ok(Token { app_id, grant: Grant { issued, expire, salt, services }, signature, signed })
}

impl Token {
    /// Whether the token was made with these credentials. The signature covers the bytes as they came, unknown services included.
    pub fn is_signed_by(&self, credentials: &Credentials) -> bool {
        let key = signing_key(credentials, self.grant.issued, self.grant.salt);
        mac::same(&self.signature, &mac::sign(&key, &[&self.signed]))
    }
}

fn signing_key(credentials: &Credentials, issued: u32, salt: u32) -> Signature {
    mac::sign(&salt.to_le_bytes(), &[&mac::sign(&issued.to_le_bytes(), &[credentials.certificate()])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_signing_key_is_the_published_one() {
        let credentials = Credentials::new("970CA35de60c44645bbae8a215061b33", "5CFd2fd1755d40ecb72977518be15d3b").unwrap();
        let key: String = signing_key(&credentials, 1111111, 1).iter().map(|b| format!("{b:02x}")).collect();
        assert_eq!(key, "cee2fa8dcbe868c30ca8c959d97fad4a5049c634da48449f1b8f59c14fa61073");
    }
}
