package lab

// The ways of telling figures, for their tests.
var (
	Count        = count
	Thousands    = thousands
	TwoDigits    = twoDigits
	TellDuration = formatDuration
)
