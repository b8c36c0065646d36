package factor

// CodeAt exports codeAt for tests.
var CodeAt = codeAt
