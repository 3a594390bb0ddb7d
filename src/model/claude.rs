//! What Claude takes, by the names of its models, whatever server it is asked on
//! (models-and-prompts 1.7).

use super::{Message, ModelRequest};

/// Whether a model takes a temperature and its kin. The newest take none.
pub(super) fn takes_sampling(model: &str) -> bool {
    let name = plain(model);
    !WITHOUT_SAMPLING.iter().any(|part| name.contains(part))
}

/// Turns a beginning of the answer into a wish where the model does not go on with what it is said to
/// have begun.
pub(super) fn turn_beginning(model: &str, request: &mut ModelRequest) {
    if takes_beginning(model) {
        return;
    }
    if let Some(Message::Assistant { text, tool_calls }) = request.messages.last_mut()
        && tool_calls.is_empty()
    {
        let wish = format!("{WISH}{text}");
        request.messages.pop();
        request.messages.push(Message::User(wish));
    }
}

fn takes_beginning(model: &str) -> bool {
    let name = plain(model);
    !name.contains("claude") || WITH_BEGINNING.iter().any(|part| name.contains(part))
}

/// A name in the spelling of the lists below.
fn plain(model: &str) -> String {
    model.to_ascii_lowercase().replace(['_', '.'], "-")
}

const WITHOUT_SAMPLING: [&str; 6] = [
    "opus-4-7", "4-7-opus", "opus-4-8", "sonnet-5", "fable-5", "mythos-5",
];

/// Until 4.5; from 4.6 on a last message of the model's own is refused.
const WITH_BEGINNING: [&str; 7] = [
    "opus-4-1",
    "opus-4-5",
    "sonnet-4-5",
    "haiku-4-5",
    "sonnet-4-20250514",
    "3-haiku-20240307",
    "3-sonnet-20240229",
];

const WISH: &str = "Your answer begins as follows; write how it goes on, without repeating it: ";

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn models_are_known_however_their_names_are_written() {
        for (model, sampling, beginning) in [
            ("claude-sonnet-4-5-20250929", true, true),
            ("anthropic.claude-haiku-4_5", true, true),
            ("claude-opus-4.1", true, true),
            ("claude-sonnet-4-6", true, false),
            ("claude-opus-4.7", false, false),
            ("us.anthropic.claude-opus-4-8-v1:0", false, false),
            ("my-Claude-Sonnet_5", false, false),
            ("claude-3-haiku-20240307", true, true),
            ("claude-3-5-sonnet-20241022", true, false),
            ("gpt-4o", true, true),
        ] {
            assert_eq!(takes_sampling(model), sampling, "{model}");
            assert_eq!(takes_beginning(model), beginning, "{model}");
        }
    }

    #[test]
    fn a_beginning_becomes_a_wish_but_a_call_stays_one() {
        let asked = |messages| ModelRequest {
            messages,
            ..ModelRequest::default()
        };
        let mut request = asked(vec![Message::assistant("<x>")]);
        turn_beginning("claude-sonnet-4-5", &mut request);
        assert_eq!(request.messages, [Message::assistant("<x>")]);
        turn_beginning("claude-sonnet-4-6", &mut request);
        assert_eq!(request.messages, [Message::User(format!("{WISH}<x>"))]);
    }
}
