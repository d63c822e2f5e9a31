package sqslocal

import (
	"maps"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"time"
)

// CreateQueue makes a queue as the API action of that name does, with attributes such as {"VisibilityTimeout": "60"} or nil, and
// returns its URL, which has no host before the server has a listener. It is no error if the queue exists with the same
// attributes. The text of an error begins with SQS's name for it, such as "InvalidAttributeValue: ".
func (s *Server) CreateQueue(name string, attributes map[string]string) (url string, err error) {
	q, err := s.createQueue(name, attributes)
	if err != nil {
		return "", err
	}
	return s.URL() + q.path(), nil
}

func (q *queue) path() string { return "/" + account + "/" + q.name }

var queueName = regexp.MustCompile(`^[A-Za-z0-9_-]{1,80}$`)

func (s *Server) createQueue(name string, attributes map[string]string) (*queue, error) {
	fifo := strings.HasSuffix(name, ".fifo")
	if !queueName.MatchString(strings.TrimSuffix(name, ".fifo")) || len(name) > 80 {
		return nil, errInvalidValue("Can only include alphanumeric characters, hyphens, or underscores. 1 to 80 in length")
	}
	if fifo != (attributes["FifoQueue"] == "true") {
		return nil, errInvalidValue("The name of a FIFO queue must end with .fifo, and only that of a FIFO queue can.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if q, ok := s.queues[name]; ok {
		return q, q.sameAs(attributes)
	}
	q := s.newQueue(name, fifo)
	if err := q.set(attributes); err != nil {
		return nil, err
	}
	s.queues[name] = q
	return q, nil
}

func (s *Server) newQueue(name string, fifo bool) *queue {
	now := time.Now()
	q := &queue{
		server:     s,
		number:     s.nextNumber(),
		name:       name,
		fifo:       fifo,
		attributes: defaultAttributes(fifo),
		created:    now,
		modified:   now,
		messages:   make(map[uint64]*message),
		line:       newLine(fifo),
	}
	q.alarm = time.AfterFunc(time.Hour, q.ring)
	q.alarm.Stop()
	return q
}

// sameAs refuses attributes that differ from those of the queue.
func (q *queue) sameAs(attributes map[string]string) error {
	for name, value := range attributes {
		if q.attributes[name] != value {
			return errQueueNameExists(name)
		}
	}
	return nil
}

// set changes attributes: all of them, or none if one is wrong.
func (q *queue) set(changes map[string]string) error {
	attributes, err := merge(q.attributes, changes, q.fifo)
	if err != nil {
		return err
	}
	settings, err := parseSettings(attributes)
	if err != nil {
		return err
	}
	if r := settings.redrive; r != nil {
		target := q.server.queues[r.target()]
		if target == nil {
			return errRedrive(attributes["RedrivePolicy"], "Dead letter target does not exist")
		}
		if target.fifo != q.fifo {
			return errRedrive(attributes["RedrivePolicy"], "Dead-letter queue must be same type of queue as the source")
		}
	}
	q.attributes, q.settings = attributes, settings
	return nil
}

// nextNumber returns a number that no queue or message of the server has had. The server's lock is held.
func (s *Server) nextNumber() uint64 {
	s.numbers++
	return s.numbers
}

// queue finds the queue of a URL, of which only the last part counts: clients may reach the server by different names. The server's
// lock is held.
func (s *Server) queue(url string) (*queue, error) {
	if url == "" {
		return nil, errMissing("QueueUrl")
	}
	if q, ok := s.queues[lastPart(url)]; ok {
		return q, nil
	}
	return nil, errQueueDoesNotExist
}

func lastPart(url string) string { return url[strings.LastIndexByte(url, '/')+1:] }

// empty is the output of actions that answer with success alone.
type empty struct{}

// queueURL is the input of actions that need only to know the queue, and the output of those that find one.
type queueURL struct{ QueueUrl string }

func (r *request) urlOf(q *queue) string { return "http://" + r.host + q.path() }

type createQueueInput struct {
	QueueName  string
	Attributes map[string]string
}

func (s *Server) createQueueAction(r *request, in *createQueueInput) (*queueURL, error) {
	q, err := s.createQueue(in.QueueName, in.Attributes)
	if err != nil {
		return nil, err
	}
	return &queueURL{r.urlOf(q)}, nil
}

type getQueueURLInput struct{ QueueName string }

func (s *Server) getQueueURL(r *request, in *getQueueURLInput) (*queueURL, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, ok := s.queues[in.QueueName]
	if !ok {
		return nil, errQueueDoesNotExist
	}
	return &queueURL{r.urlOf(q)}, nil
}

func (s *Server) deleteQueue(_ *request, in *queueURL) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	delete(s.queues, q.name)
	q.deleted = true
	q.purge()
	q.wakeAll()
	q.setAlarm(time.Now(), time.Time{})
	return empty{}, nil
}

func (s *Server) purgeQueue(_ *request, in *queueURL) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	q.purge()
	q.wake(time.Now())
	return empty{}, nil
}

type getQueueAttributesInput struct {
	QueueUrl       string
	AttributeNames []string
}

type queueAttributes struct {
	Attributes map[string]string `json:",omitempty"`
}

func (s *Server) getQueueAttributes(_ *request, in *getQueueAttributesInput) (*queueAttributes, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return nil, err
	}
	all := q.allAttributes(time.Now())
	if slices.Contains(in.AttributeNames, "All") {
		return &queueAttributes{all}, nil
	}
	chosen := make(map[string]string)
	for _, name := range in.AttributeNames {
		if value, ok := all[name]; ok {
			chosen[name] = value
		} else if !knownAttribute(name) {
			return nil, errAttributeName(name)
		}
	}
	return &queueAttributes{chosen}, nil
}

// allAttributes returns those that were set and those that only the queue knows.
func (q *queue) allAttributes(now time.Time) map[string]string {
	d := q.depth(now)
	all := maps.Clone(q.attributes)
	all["QueueArn"] = q.arn()
	all["CreatedTimestamp"] = strconv.FormatInt(q.created.Unix(), 10)
	all["LastModifiedTimestamp"] = strconv.FormatInt(q.modified.Unix(), 10)
	all["ApproximateNumberOfMessages"] = strconv.Itoa(d.Visible)
	all["ApproximateNumberOfMessagesNotVisible"] = strconv.Itoa(d.InFlight)
	all["ApproximateNumberOfMessagesDelayed"] = strconv.Itoa(d.Delayed)
	return all
}

type setQueueAttributesInput struct {
	QueueUrl   string
	Attributes map[string]string
}

func (s *Server) setQueueAttributes(_ *request, in *setQueueAttributesInput) (empty, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	q, err := s.queue(in.QueueUrl)
	if err != nil {
		return empty{}, err
	}
	if err := q.set(in.Attributes); err != nil {
		return empty{}, err
	}
	q.modified = time.Now()
	return empty{}, nil
}
