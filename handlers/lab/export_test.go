package lab

// Count is count.
var Count = count
