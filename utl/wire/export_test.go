package wire

// SendLogged is Send without its limits, and writes the connection's keys to keys.
var SendLogged = send

// TakeAllSlots takes every slot until release is called.
func (s *Sender) TakeAllSlots() (release func()) {
	for range maxAtOnce {
		s.slots <- struct{}{}
	}
	return func() {
		for range maxAtOnce {
			<-s.slots
		}
	}
}
