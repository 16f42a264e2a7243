//! Redirections: where a command reads from and prints to.
//!
//! In real life the shell opens files before it starts the command. Here an input is read whole when it is opened, and a file that
//! is printed to is emptied then and grows with each text.

use std::rc::Rc;

use super::ast::{Redirect, Target};
use super::eval::{Input, Interpreter, Io, Jump};
use crate::console::files;
use crate::console::host::FileError;
use crate::console::streams::Sink;

impl Interpreter {
    /// The streams after redirections; `None` if one of them failed, which has then been said.
    pub(super) async fn redirected(&mut self, redirects: &[Redirect], io: &Io) -> Result<Option<Io>, Jump> {
        let mut io = io.clone();
        for redirect in redirects {
            if let Err(message) = self.redirect(redirect, &mut io).await? {
                let line = self.said(&message);
                self.emit(&io.err, &line)?;
                self.shell.status = 2;
                return Ok(None);
            }
        }
        Ok(Some(io))
    }

    async fn redirect(&mut self, redirect: &Redirect, io: &mut Io) -> Result<Result<(), String>, Jump> {
        let sink = match &redirect.target {
            Target::Here(body) => {
                let text = match body.get() {
                    Some(word) => self.text(word, io).await?,
                    None => String::new(),
                };
                self.open_input(io, text);
                return Ok(Ok(()));
            }
            Target::Read(word) => {
                let path = self.text(word, io).await?;
                match self.base.machine.read(&self.base.place, &self.shell.cwd, &path) {
                    Ok(text) => self.open_input(io, text),
                    Err(FileError(why)) => return Ok(Err(format!("cannot open {path}: {}", opening(&why)))),
                }
                return Ok(Ok(()));
            }
            Target::Write(word) | Target::Append(word) => {
                let path = self.text(word, io).await?;
                match self.open_output(&path, matches!(redirect.target, Target::Append(_)), io) {
                    Ok(sink) => sink,
                    Err(why) => return Ok(Err(format!("cannot create {path}: {why}"))),
                }
            }
            Target::Same(1) => io.out.clone(),
            Target::Same(2) => io.err.clone(),
            Target::Same(_) | Target::Closed => Sink::Null,
        };
        match redirect.fd {
            1 => io.out = sink,
            2 => io.err = sink,
            _ => self.open_input(io, String::new()),
        }
        Ok(Ok(()))
    }

    fn open_input(&mut self, io: &mut Io, text: String) {
        io.stdin = self.inputs.len();
        self.inputs.push(Input { text: Rc::from(text), at: 0 });
    }

    fn open_output(&mut self, path: &str, append: bool, io: &Io) -> Result<Sink, String> {
        match path {
            "/dev/null" => return Ok(Sink::Null),
            "/dev/stdout" => return Ok(io.out.clone()),
            "/dev/stderr" => return Ok(io.err.clone()),
            _ => {}
        }
        match self.base.machine.write(&self.base.place, &self.shell.cwd, path, "", append) {
            Ok(()) => {
                let path = Rc::from(files::absolute(&self.shell.cwd, path));
                Ok(Sink::File { place: self.base.place.clone(), path })
            }
            Err(FileError(why)) if why == "No such file or directory" => Err("Directory nonexistent".to_string()),
            Err(FileError(why)) => Err(why),
        }
    }

    /// What a command would still read.
    pub(super) fn remaining(&self, io: &Io) -> Rc<str> {
        match self.inputs.get(io.stdin) {
            Some(input) if input.at == 0 => Rc::clone(&input.text),
            Some(input) => Rc::from(&input.text[input.at..]),
            None => Rc::from(""),
        }
    }

    /// Takes a line from the input, with its newline if it has one.
    pub(super) fn read_line(&mut self, io: &Io) -> Option<String> {
        let input = self.inputs.get_mut(io.stdin)?;
        let rest = &input.text[input.at..];
        let length = rest.find('\n').map_or(rest.len(), |at| at + 1);
        let line = rest[..length].to_string();
        input.at += length;
        (length > 0).then_some(line)
    }
}

/// A file error as dash words it when it opens a file.
fn opening(why: &str) -> &str {
    if why == "No such file or directory" { "No such file" } else { why }
}
