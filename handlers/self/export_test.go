package self

// EventLabels is the words of each kind of event.
var EventLabels = eventLabels
