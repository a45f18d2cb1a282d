//! What the evaluation promises, from outside: conditions that mean what they mean in CEL and that
//! nobody can end the process with; worked cases; random histories against a second computation.

#[cfg(test)]
mod cases;
#[cfg(test)]
mod cel;
#[cfg(test)]
mod checker;
#[cfg(test)]
mod compiled;
#[cfg(test)]
mod fraction;
#[cfg(test)]
mod hostile;
#[cfg(test)]
mod money;
#[cfg(test)]
mod naive;
#[cfg(test)]
mod parties;
#[cfg(test)]
mod properties;
#[cfg(test)]
mod random;
#[cfg(test)]
mod reference;
#[cfg(test)]
mod scene;
#[cfg(test)]
mod spent;
#[cfg(test)]
mod support;
#[cfg(test)]
mod through;
#[cfg(test)]
mod twice;
#[cfg(test)]
mod wide;
