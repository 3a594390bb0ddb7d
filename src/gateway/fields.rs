//! Reading typed fields out of an object, with refusals that name the field.

use std::borrow::Cow;

use super::{json::Json, refusal::Refusal};

/// An object and where it stands in the body.
#[derive(Clone, Copy, Debug)]
pub(super) struct Fields<'v, 'a> {
    entries: &'v [(Cow<'a, str>, Json<'a>)],
    place: Place<'v>,
}

/// Where an object stands.
#[derive(Clone, Copy, Debug)]
enum Place<'v> {
    /// The body itself.
    Body,
    /// Below a key of the body.
    Section(&'v str),
    /// The one at a position, counted from 0, of a list below a key, and perhaps below a key of it.
    Item(&'v str, usize, Option<&'v str>),
}

impl<'v, 'a> Fields<'v, 'a> {
    /// The body's fields.
    pub(super) fn of_body(body: &'v Json<'a>) -> Result<Self, Refusal> {
        match body {
            Json::Object(entries) => Ok(Self {
                entries,
                place: Place::Body,
            }),
            _ => Err(Refusal::field("body", "must be a JSON object")),
        }
    }

    /// The fields of an object of a list.
    pub(super) fn of_item(
        list: &'v str,
        position: usize,
        item: &'v Json<'a>,
    ) -> Result<Self, Refusal> {
        let Json::Object(entries) = item else {
            let field = format!("{list}[{position}]");
            return Err(Refusal::field(field, "must be an object"));
        };
        Ok(Self {
            entries,
            place: Place::Item(list, position, None),
        })
    }

    /// Whatever stands there, `null` included.
    pub(super) fn any(&self, name: &str) -> Option<&'v Json<'a>> {
        let entry = self.entries.iter().rev().find(|(key, _)| key == name);
        entry.map(|(_, value)| value)
    }

    /// All of it.
    pub(super) fn entries(&self) -> &'v [(Cow<'a, str>, Json<'a>)] {
        self.entries
    }

    /// What is given and not `null`.
    fn given(&self, name: &str) -> Option<&'v Json<'a>> {
        self.any(name).filter(|value| **value != Json::Null)
    }

    /// A text of at most so many characters.
    pub(super) fn text(&self, name: &str, limit: usize) -> Result<Option<&'v str>, Refusal> {
        let text = match self.given(name) {
            None => return Ok(None),
            Some(Json::Text(text)) => text.as_ref(),
            Some(_) => return Err(self.refuse(name, "must be a string")),
        };
        // bytes bound characters, so most texts need no counting
        if text.len() > limit && text.chars().count() > limit {
            let problem = format!("must have at most {limit} characters; send less of it");
            return Err(self.refuse(name, problem));
        }
        Ok(Some(text))
    }

    /// A text that has to be there.
    pub(super) fn required_text(&self, name: &str, limit: usize) -> Result<&'v str, Refusal> {
        let text = self.text(name, limit)?;
        text.ok_or_else(|| self.refuse(name, "is missing; it must be a string"))
    }

    /// One of some words.
    pub(super) fn word(&self, name: &str, words: &[&str]) -> Result<Option<&'v str>, Refusal> {
        let text = self.text(name, LONGEST_WORD)?;
        match text {
            Some(text) if !words.contains(&text) => {
                Err(self.refuse(name, format!("must be one of {}", words.join(", "))))
            }
            text => Ok(text),
        }
    }

    /// `true` or `false`; absent and `null` mean `false`.
    pub(super) fn flag(&self, name: &str) -> Result<bool, Refusal> {
        match self.given(name) {
            None => Ok(false),
            Some(Json::Bool(value)) => Ok(*value),
            Some(_) => Err(self.refuse(name, "must be true or false")),
        }
    }

    /// A whole number.
    pub(super) fn integer(&self, name: &str) -> Result<Option<i64>, Refusal> {
        match self.given(name) {
            None => Ok(None),
            Some(Json::Number(number)) if number.is_i64() => Ok(number.as_i64()),
            Some(_) => Err(self.refuse(name, "must be a whole number")),
        }
    }

    /// A list of at most so many.
    pub(super) fn list(&self, name: &str, limit: usize) -> Result<&'v [Json<'a>], Refusal> {
        match self.given(name) {
            None => Ok(&[]),
            Some(Json::List(items)) if items.len() <= limit => Ok(items),
            Some(Json::List(_)) => {
                Err(self.refuse(name, format!("must have at most {limit} entries")))
            }
            Some(_) => Err(self.refuse(name, "must be a list")),
        }
    }

    /// An object of the body or of an item of it.
    pub(super) fn section(&self, name: &'v str) -> Result<Option<Self>, Refusal> {
        let entries = match self.given(name) {
            None => return Ok(None),
            Some(Json::Object(entries)) => entries,
            Some(_) => return Err(self.refuse(name, "must be an object")),
        };
        let place = match self.place {
            Place::Item(list, position, None) => Place::Item(list, position, Some(name)),
            _ => Place::Section(name),
        };
        Ok(Some(Self { entries, place }))
    }

    /// An object that has to be there.
    pub(super) fn required_section(&self, name: &'v str) -> Result<Self, Refusal> {
        let section = self.section(name)?;
        section.ok_or_else(|| self.refuse(name, "is missing; it must be an object"))
    }

    /// Whether nothing stands there, or `null`.
    pub(super) fn is_null(&self, name: &str) -> bool {
        self.given(name).is_none()
    }

    /// A refusal of something further in, with this object's place before it.
    pub(super) fn within(&self, refusal: Refusal) -> Refusal {
        match self.place {
            Place::Body => refusal,
            Place::Section(section) => refusal.below(section),
            Place::Item(list, position, None) => refusal.below(&format!("{list}[{position}]")),
            Place::Item(list, position, Some(section)) => {
                refusal.below(&format!("{list}[{position}].{section}"))
            }
        }
    }

    /// A refusal of a field of this object.
    pub(super) fn refuse(&self, name: &str, problem: impl Into<Cow<'static, str>>) -> Refusal {
        self.within(Refusal::field(name, problem))
    }
}

/// No word that is offered anywhere is longer.
const LONGEST_WORD: usize = 255;

#[cfg(test)]
mod tests {
    use super::*;

    fn body(text: &str) -> Json<'_> {
        Json::read(text.as_bytes()).unwrap()
    }

    fn said(refusal: &Refusal) -> String {
        refusal.detail().to_owned()
    }

    #[test]
    fn fields_are_read_by_type() {
        let body = body(r#"{"t":"äö","n":null,"i":3,"f":true,"l":[1],"s":{"t":"x"}}"#);
        let fields = Fields::of_body(&body).unwrap();
        assert_eq!(fields.text("t", 2).unwrap(), Some("äö"));
        assert_eq!(fields.text("n", 2).unwrap(), None);
        assert_eq!(fields.integer("i").unwrap(), Some(3));
        assert!(fields.flag("f").unwrap());
        assert!(!fields.flag("absent").unwrap());
        assert_eq!(fields.list("l", 1).unwrap().len(), 1);
        let section = fields.required_section("s").unwrap();
        assert_eq!(section.required_text("t", 1).unwrap(), "x");
    }

    #[test]
    fn refusals_name_the_field_and_the_remedy_but_not_the_value() {
        let body = body(r#"{"t":"secret","i":1.5,"l":[1,2],"s":{"t":7},"c":[{"p":{"x":1}}]}"#);
        let fields = Fields::of_body(&body).unwrap();
        assert_eq!(
            said(&fields.text("t", 3).unwrap_err()),
            "t: must have at most 3 characters; send less of it"
        );
        assert_eq!(
            said(&fields.word("t", &["a", "b"]).unwrap_err()),
            "t: must be one of a, b"
        );
        assert_eq!(
            said(&fields.integer("i").unwrap_err()),
            "i: must be a whole number"
        );
        assert_eq!(
            said(&fields.list("l", 1).unwrap_err()),
            "l: must have at most 1 entries"
        );
        assert_eq!(
            said(&fields.flag("l").unwrap_err()),
            "l: must be true or false"
        );
        let section = fields.section("s").unwrap().unwrap();
        assert_eq!(
            said(&section.text("t", 9).unwrap_err()),
            "s.t: must be a string"
        );
        let item = Fields::of_item("c", 0, &fields.list("c", 5).unwrap()[0]).unwrap();
        let payload = item.required_section("p").unwrap();
        assert_eq!(
            said(&payload.text("x", 9).unwrap_err()),
            "c[0].p.x: must be a string"
        );
        assert_eq!(
            said(&fields.required_text("absent", 9).unwrap_err()),
            "absent: is missing; it must be a string"
        );
    }
}
