//! What the evaluation promises, from outside: conditions that mean what they mean in CEL and that
//! nobody can end the process with; worked cases; random histories against a second computation.

#[cfg(test)]
mod cel;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod support;
