package sqslocal

// Inject adds a fault. It affects requests from now on, until its Count is reached or remove is called. At most one fault affects a
// request: of those that select it, the one injected first.
func (s *Server) Inject(f Fault) (remove func()) { return s.faults.inject(f) }

// Calls returns how many requests for the action have arrived, including those that a fault affected; "" counts all actions.
func (s *Server) Calls(action string) int { return s.faults.count(action) }
