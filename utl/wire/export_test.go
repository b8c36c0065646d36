package wire

// SendLogged is Send, whose connection writes its keys to a writer too.
var SendLogged = send

// Fill takes every slot, until the function that it returns is called.
func (s *Sender) Fill() (release func()) {
	for range maxAtOnce {
		s.slots <- struct{}{}
	}
	return func() {
		for range maxAtOnce {
			<-s.slots
		}
	}
}
