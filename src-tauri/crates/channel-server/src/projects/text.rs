//! The file's text: TOML with one `[[project]]` a project. Reading is strict, since a slip in a setting that guards calls had better
//! be told than passed over; what it tells never quotes a value, which might be a certificate.

use std::ops::Range;

use toml::{
    Spanned,
    de::{DeTable, DeValue},
};

use super::{Project, ProjectError, Projects};

/// The first mistake of a text.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {what}")]
pub struct Mistake {
    /// From 1.
    pub line: usize,
    pub what: String,
}

/// What a file begins with.
const HEAD: &str = "\
# The projects of a Visavis channel service. It reads this file again when it changes.
# `channel-server project` writes it anew, without other comments. Whoever has a certificate can make tokens: keep this file to yourself.
";

/// The text for these projects.
pub fn write(projects: &Projects) -> String {
    let mut text = HEAD.to_owned();
    for project in projects.iter() {
        text += &format!("\n[[project]]\napp_id = \"{}\"\n", project.app_id());
        text += &format!("name = {}\n", toml::Value::from(project.name()));
        if let Some(certificate) = project.reveal_certificate() {
            text += &format!("certificate = \"{certificate}\"\n");
        }
        text += &format!("enabled = {}\n", project.is_enabled());
    }
    text
}

/// The projects of a text, or its first mistake.
pub fn read(text: &str) -> Result<Projects, Mistake> {
    let at = |span: Range<usize>, what: String| Mistake {
        line: 1 + text.as_bytes()[..span.start.min(text.len())].iter().filter(|b| **b == b'\n').count(),
        what,
    };
    let document = DeTable::parse(text).map_err(|error| at(error.span().unwrap_or(0..0), format!("not TOML: {}", error.message())))?;
    let mut projects = Projects::default();
    for (key, value) in document.get_ref() {
        if key.get_ref() != "project" {
            return Err(at(key.span(), format!("unknown entry \"{}\"; the file holds [[project]] tables only", head(key.get_ref()))));
        }
        let DeValue::Array(tables) = value.get_ref() else {
            return Err(at(value.span(), "a project is written [[project]], in two pairs of brackets".into()));
        };
        for table in tables.iter() {
            let project = project(table).map_err(|(span, what)| at(span, what))?;
            projects.add(project).map_err(|error| at(table.span(), error.to_string()))?;
        }
    }
    Ok(projects)
}

type Fault = (Range<usize>, String);

fn project(table: &Spanned<DeValue>) -> Result<Project, Fault> {
    let DeValue::Table(fields) = table.get_ref() else {
        return Err((table.span(), "a project is a table".into()));
    };
    let (mut app_id, mut name, mut certificate, mut enabled) = (None, None, None, None);
    for (key, value) in fields {
        let field = match key.get_ref().as_ref() {
            "app_id" => &mut app_id,
            "name" => &mut name,
            "certificate" => &mut certificate,
            "enabled" => &mut enabled,
            other => {
                return Err((key.span(), format!("unknown field \"{}\"; a project has app_id, name, certificate, enabled", head(other))));
            }
        };
        *field = Some(value);
    }
    let app_id = app_id.ok_or_else(|| (table.span(), "this project lacks its app_id".to_owned()))?;
    let parsed = string("app_id", app_id)?.parse().map_err(|invalid: signal::Invalid| (app_id.span(), format!("app_id: {invalid}")))?;
    let mut project = Project::open(parsed);
    let refused = |field: &str, value: &Spanned<DeValue>, error: ProjectError| (value.span(), format!("{field}: {error}"));
    if let Some(value) = name {
        project.rename(string("name", value)?).map_err(|error| refused("name", value, error))?;
    }
    if let Some(value) = certificate {
        project.set_certificate(Some(string("certificate", value)?)).map_err(|error| refused("certificate", value, error))?;
    }
    if let Some(value) = enabled {
        let DeValue::Boolean(enabled) = value.get_ref() else {
            return Err((value.span(), "enabled: is true or false".into()));
        };
        project.set_enabled(*enabled);
    }
    Ok(project)
}

fn string<'a>(field: &str, value: &'a Spanned<DeValue>) -> Result<&'a str, Fault> {
    match value.get_ref() {
        DeValue::String(text) => Ok(text),
        _ => Err((value.span(), format!("{field}: is a text in quotation marks"))),
    }
}

/// As much of a key as one wants to read.
fn head(key: &str) -> String {
    key.chars().filter(|c| !c.is_control()).take(32).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const APP_ID: &str = "970CA35de60c44645bbae8a215061b33";
    const CERTIFICATE: &str = "5CFd2fd1755d40ecb72977518be15d3b";

    #[test]
    fn what_a_person_writes_is_read() {
        let text = format!(
            "# ours\n[[project]]\napp_id = \"{APP_ID}\"\n\n[[project]]\nenabled = false\nname = 'B \"x\"'\ncertificate = \"{CERTIFICATE}\"\napp_id = \"{CERTIFICATE}\"\n"
        );
        let first = Project::open(APP_ID.parse().unwrap());
        let second = Project::secured(CERTIFICATE.parse().unwrap(), CERTIFICATE).unwrap().named("B \"x\"").unwrap().disabled();
        assert_eq!(read(&text).unwrap(), Projects::new([first, second]).unwrap());
        assert_eq!(read("").unwrap(), Projects::default());
    }

    #[test]
    fn each_mistake_has_its_line_and_its_field_and_quotes_no_value() {
        let id = format!("app_id = \"{APP_ID}\"\n");
        let cases = [
            ("[[project]]\nname = \"x\"\n".into(), 1, "app_id"),
            ("[[project]]\napp_id = \"970C\"\n".into(), 2, "app_id: an App ID is"),
            ("[[project]]\napp_id = 7\n".into(), 2, "app_id: is a text"),
            (format!("[[project]]\n{id}certificate = \"5CFd\"\n"), 3, "certificate: a certificate is"),
            (format!("[[project]]\n{id}enabled = \"5CFd\"\n"), 3, "enabled: is true or false"),
            (format!("[[project]]\n{id}name = \"two\\nlines\"\n"), 3, "name: a project's name"),
            (format!("[[project]]\n{id}colour = 1\n"), 3, "unknown field \"colour\""),
            (format!("[[project]]\n{id}[[project]]\n{id}"), 3, "already"),
            (format!("[project]\n{id}"), 1, "two pairs of brackets"),
            ("project = [1]\n".into(), 1, "is a table"),
            ("listen = 1\n".into(), 1, "unknown entry \"listen\""),
            (format!("[[project]]\n{id}{id}"), 3, "not TOML"),
            (format!("[[project]]\n{id}certificate = \"5CFd\n"), 3, "not TOML"),
            ("[[project]]\ncertificate = 5CFd2fd1755d40ecb72977518be15d3b\n".into(), 2, "not TOML"),
        ];
        for (text, line, what) in cases {
            let mistake = read(&text).unwrap_err();
            assert_eq!(mistake.line, line, "{text}: {mistake}");
            assert!(mistake.what.contains(what), "{text}: {mistake}");
            assert!(!mistake.to_string().contains("5CFd"), "{mistake}");
        }
    }

    proptest! {
        #[test]
        fn what_is_written_is_read(projects in prop::collection::vec(("[0-9a-fA-F]{32}", "[^\\p{Cc}]{0,64}", prop::option::of("[0-9a-fA-F]{32}"), any::<bool>()), 0..5)) {
            let project = |(app_id, name, certificate, enabled): (String, String, Option<String>, bool)| {
                let mut project = Project::open(app_id.parse().unwrap()).named(&name).unwrap();
                project.set_certificate(certificate.as_deref()).unwrap();
                project.set_enabled(enabled);
                project
            };
            let projects = Projects::new(projects.into_iter().map(project)).unwrap();
            prop_assert_eq!(read(&write(&projects)).unwrap(), projects);
        }

        #[test]
        fn any_text_is_read_or_refused_without_panic(text in "(\\[\\[project\\]\\]\n|app_id = |\"970CA35de60c44645bbae8a215061b33\"\n|certificate|=|[ -~é\n]{0,8}){0,20}") {
            let _ = read(&text);
        }
    }
}
