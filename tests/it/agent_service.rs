//! The agent platform's methods, through TLS on the one port and in clear on its own, asked by the
//! two libraries that GitLab's clients are made with.

mod first_event;
mod methods;
mod operator;
mod scene;
mod tokens;
