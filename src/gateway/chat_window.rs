//! A conversation of Duo Chat (classic) within its model's window.

use crate::prompt::{AROUND_MESSAGE, Role, Turn, estimate_tokens};

/// Leaves out what was said first: GitLab sends all of a conversation, and servers refuse what is longer
/// than their model's window, of which `most` is the conversation's part, in tokens. The first `frame` turns stay, and what follows them begins with the user. So
/// does the last turn, however long it is: whether one question is too long is for the server to say, which
/// GitLab tells its user.
pub(super) fn fit(turns: &mut Vec<Turn>, frame: usize, most: usize) {
    let mut taken: usize = turns.iter().map(size).sum();
    let last = turns.len().saturating_sub(1);
    let mut from = frame;
    for turn in turns.get(frame..last).unwrap_or_default() {
        // a question is left out with its answer
        if taken <= most && turn.role == Role::User {
            break;
        }
        taken -= size(turn);
        from += 1;
    }
    if from > frame {
        turns.drain(frame..from);
    }
}

/// About how many tokens a turn has.
fn size(turn: &Turn) -> usize {
    estimate_tokens(&turn.text) + AROUND_MESSAGE
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is left of turns of this many bytes: the frame, then user and assistant in turn. Each is
    /// made of its own letter, of which the first is given.
    fn fitted(sizes: &[usize]) -> String {
        let roles = [Role::User, Role::Assistant].into_iter().cycle();
        let roles = std::iter::once(Role::System).chain(roles);
        let turns = sizes.iter().zip(roles).zip('a'..);
        let mut turns: Vec<Turn> = turns
            .map(|((size, role), letter)| Turn {
                role,
                text: letter.to_string().repeat(*size),
            })
            .collect();
        fit(&mut turns, 1, 700);
        let first = turns.iter().filter_map(|turn| turn.text.chars().next());
        first.collect()
    }

    #[test]
    fn what_was_said_first_goes_first_with_its_answer() {
        assert_eq!(fitted(&[10, 100, 100, 100]), "abcd");
        assert_eq!(fitted(&[10, 1000, 1000, 1000]), "ad");
        assert_eq!(fitted(&[10, 2000, 10, 1000, 10, 10]), "adef");
        // the answer would fit, but nobody asked
        assert_eq!(fitted(&[10, 2000, 10, 10]), "ad");
    }

    #[test]
    fn the_question_stays_however_long_it_is() {
        assert_eq!(fitted(&[10, 10, 10, 9000]), "ad");
        assert_eq!(fitted(&[9000, 10]), "ab");
        assert_eq!(fitted(&[10]), "a");
    }
}
