package factor

// CodeAt is codeAt.
var CodeAt = codeAt
