package lab

// Functions that format numbers, for their tests.
var (
	Count        = count
	Thousands    = thousands
	TwoDigits    = twoDigits
	TellDuration = formatDuration
)
