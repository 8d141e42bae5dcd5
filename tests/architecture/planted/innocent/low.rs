pub(in crate::innocent) struct Low;

#[cfg(test)]
mod tests {
    use super::super::High;
}
