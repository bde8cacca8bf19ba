//! A message on its way to a receiver: [`Letter`], also as the text that the spool keeps.

/// What is posted, and where.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Letter {
    /// The address.
    pub url: String,
    /// Headers besides the ones that every request has.
    pub headers: Vec<(String, String)>,
    /// The body, JSON on one line.
    pub body: String,
}

impl Letter {
    /// As lines: the address, the headers, an empty line, the body.
    pub fn to_text(&self) -> String {
        let headers: String = self.headers.iter().map(|(name, value)| format!("{name}: {value}\n")).collect();
        format!("{}\n{headers}\n{}", self.url, self.body)
    }

    /// Reads [`Letter::to_text`]; `None` of anything else.
    pub fn from_text(text: &str) -> Option<Letter> {
        let (head, body) = text.split_once("\n\n")?;
        let mut lines = head.lines();
        let url = lines.next().filter(|url| !url.is_empty())?.to_owned();
        let header = |line: &str| line.split_once(": ").map(|(name, value)| (name.to_owned(), value.to_owned()));
        let headers = lines.map(header).collect::<Option<Vec<_>>>()?;
        Some(Letter { url, headers, body: body.to_owned() })
    }

    /// The receiver without what is secret in its address.
    pub fn place(&self) -> &str {
        let after = self.url.find("://").map_or(0, |at| at + 3);
        let host = self.url.get(after..).unwrap_or_default();
        let end = host.find(['/', '?', '#']).unwrap_or(host.len());
        let host = host.get(..end).unwrap_or_default();
        host.rsplit_once('@').map_or(host, |(_, host)| host)
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]
    use super::*;

    #[test]
    fn a_letter_survives_the_spool_and_hides_its_secrets() {
        let headers = vec![("X-Vouch-Event".to_owned(), "failure".to_owned()), ("X-A".to_owned(), "b: c".to_owned())];
        let url = "https://user:pw@hooks.example:8443/services/T0/SECRET?x=1".to_owned();
        let letter = Letter { url, headers, body: "{\"a\":1}\n\nb".to_owned() };
        assert_eq!(Letter::from_text(&letter.to_text()).unwrap(), letter);
        assert_eq!(letter.place(), "hooks.example:8443");
        for damaged in ["", "x", "\n\nbody", "http://a\nno header\n\nbody"] {
            assert_eq!(Letter::from_text(damaged), None, "{damaged:?}");
        }
    }
}
