package sqslocal

import (
	"maps"
	"slices"
	"strings"
)

// page is the part of a list that one answer holds.
type page struct {
	MaxResults *int
	NextToken  string // the last name of the page before
}

type listQueuesInput struct {
	QueueNamePrefix string
	page
}

type listQueuesOutput struct {
	QueueUrls []string `json:",omitempty"`
	NextToken string   `json:",omitempty"`
}

func (s *Server) listQueues(r *request, in *listQueuesInput) (*listQueuesOutput, error) {
	urls, next, err := s.list(r, in.page, func(q *queue) bool { return strings.HasPrefix(q.name, in.QueueNamePrefix) })
	if err != nil {
		return nil, err
	}
	return &listQueuesOutput{urls, next}, nil
}

type listSourcesInput struct {
	QueueUrl string
	page
}

type listSourcesOutput struct {
	QueueURLs []string `json:"queueUrls"` // the one name in the API that begins in lower case
	NextToken string   `json:",omitempty"`
}

func (s *Server) listDeadLetterSourceQueues(r *request, in *listSourcesInput) (*listSourcesOutput, error) {
	s.mu.Lock()
	target, err := s.queue(in.QueueUrl)
	s.mu.Unlock()
	if err != nil {
		return nil, err
	}
	urls, next, err := s.list(r, in.page, func(q *queue) bool {
		return q.settings.redrive != nil && q.settings.redrive.TargetARN == target.arn()
	})
	if err != nil {
		return nil, err
	}
	return &listSourcesOutput{urls, next}, nil
}

// list returns the URLs of one page of the queues that match, in order of their names, and the token for the next page if there is one.
func (s *Server) list(r *request, p page, match func(*queue) bool) (urls []string, next string, err error) {
	limit := 1000
	if p.MaxResults != nil {
		limit = *p.MaxResults
	}
	if limit < 1 || limit > 1000 {
		return nil, "", errInvalidValue("Value for parameter MaxResults is invalid. Reason: Must be an integer from 1 to 1000.")
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	last := ""
	for _, name := range slices.Sorted(maps.Keys(s.queues)) {
		q := s.queues[name]
		if name <= p.NextToken || !match(q) {
			continue
		}
		if len(urls) == limit {
			if p.MaxResults != nil { // as documented, there is a token only for those who set a limit
				next = last
			}
			break
		}
		urls = append(urls, r.urlOf(q))
		last = name
	}
	return urls, next, nil
}
