//! Only `vouch-render` knows the public JSON: nothing else is `Serialize`.

use crate::source::{Source, has_word};
use crate::tidy::{Complaint, Project, complaint};

/// Complains about `Serialize` outside the renderer.
pub fn check(project: &Project) -> Vec<Complaint> {
    let others = project.sources.iter().filter(|source| source.crate_name() != "vouch-render");
    others.flat_map(check_source).collect()
}

fn check_source(source: &Source) -> Vec<Complaint> {
    let lines = source.shipped_code().filter(|(_, code)| has_word(code, "Serialize"));
    let message = "only vouch-render knows the public JSON: derive no Serialize here";
    lines.map(|(line, _)| complaint(&source.path, line, message)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_renderer_serializes() {
        let code = "#[derive(Serialize)]\nstruct A;\n";
        assert_eq!(check(&Project::of("crates/vouch-report/src/a.rs", code)).len(), 1);
        assert_eq!(check(&Project::of("crates/vouch-render/src/a.rs", code)).len(), 0);
        assert_eq!(check(&Project::of("crates/vouch/src/config.rs", "#[derive(Deserialize)]\nstruct A;\n")).len(), 0);
    }
}
