//! Pictures are decoded in a process of their own: what it may, what it holds, and what its end does to us.

#[cfg(test)]
mod confined;
#[cfg(test)]
mod faults;
#[cfg(test)]
mod heavy;
#[cfg(test)]
mod pictures_of_tests;
