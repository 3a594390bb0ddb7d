//! Keys of what describes the doors to those who look.

use super::{
    Config,
    input::{Complaint, Input, choice},
    key::{DefaultValue::Always, Key, Kind, words},
};

/// In the order in which they are printed.
pub(super) static PAGES: &[Key] = &[
    Key::new(
        "pages.openapi",
        Kind::Text,
        Always("/openapi.json"),
        "Where the built-in AI gateway describes itself for machines; null for nowhere.",
        |config, input| page(config, input, |config| &mut config.pages.openapi),
    )
    .optional(),
    Key::new(
        "pages.docs",
        Kind::Text,
        Always("/docs"),
        "Where it describes itself for eyes; null for nowhere.",
        |config, input| page(config, input, |config| &mut config.pages.docs),
    )
    .optional(),
    Key::new(
        "pages.redoc",
        Kind::Text,
        Always(""),
        "A second place of the same page; null for none.",
        |config, input| page(config, input, |config| &mut config.pages.redoc),
    )
    .optional(),
    Key::new(
        "pages.grpc_reflection",
        Kind::Choice(words::<bool>),
        Always("false"),
        "Whether the built-in agent platform tells clients such as grpcurl, without a token, which \
         methods it has.",
        |config, input| {
            input
                .one(choice)
                .map(|value| config.pages.grpc_reflection = value)
        },
    ),
];

fn page(
    config: &mut Config,
    input: &Input<'_>,
    place: fn(&mut Config) -> &mut Option<String>,
) -> Result<(), Vec<Complaint>> {
    *place(config) = input.optional(path)?;
    Ok(())
}

/// A path of visible characters that no route is hidden behind.
fn path(text: &str) -> Result<String, Complaint> {
    let visible = text.bytes().all(|byte| byte.is_ascii_graphic());
    let hides = ["/v1/", "/v2/", "/v3/", "/v4/", "/monitoring/"];
    let hides = hides.iter().any(|prefix| text.starts_with(prefix));
    if !text.starts_with('/') || text.len() < 2 || !visible || hides {
        return Err(Complaint::new(
            "is no path for a page",
            "write a path such as /docs, outside of /v1 to /v4 and /monitoring",
        ));
    }
    Ok(text.to_owned())
}
