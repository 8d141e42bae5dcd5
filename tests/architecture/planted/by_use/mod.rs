mod one;
mod other;
