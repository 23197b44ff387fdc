;;; aiex-link.el --- How aiex reaches its server  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; A link is whatever carries messages to the server: eglot's connection
;; (aiex-eglot.el) or lsp-mode's workspace (aiex-lsp-mode.el).  Everything above
;; works on links alone.  Messages are plists, arrays are vectors, false is
;; `:json-false'.
;;
;; Work is one call to a model.  It has a token of ours, under which the server
;; streams text, tells what it is doing, and takes cancellation.

;;; Code:

(require 'cl-lib)
(require 'jsonrpc)
(require 'subr-x)

(defvar aiex-link-functions nil
  "Functions that return the current buffer's link, or nil; the first one wins.")

(defvar aiex-link-idle nil
  "Non-nil: who looks for a link wants none to be started.")

(defvar aiex--last-link nil
  "The link last used: answers and status are asked about from other buffers too.")

(cl-defgeneric aiex-link-request (link method params success failure)
  "Send METHOD with PARAMS over LINK; SUCCESS gets the result, FAILURE the error.
There is no time limit: a model may think for minutes.")

(cl-defgeneric aiex-link-notify (link method params)
  "Send the notification METHOD with PARAMS over LINK.")

(cl-defgeneric aiex-link-position (link pos)
  "Return POS of the current buffer as LINK counts positions.")

(cl-defgeneric aiex-link-uri (link)
  "Return the URI of the current buffer for LINK.")

(cl-defgeneric aiex-link-flush (link)
  "Make sure that the server of LINK knows the current buffer's text."
  (ignore link))

(defun aiex-link ()
  "Return the current buffer's link, nil where there is none."
  (run-hook-with-args-until-success 'aiex-link-functions))

(defun aiex-link-or-lose ()
  "Return the current buffer's link, else the one last used."
  (or (when-let ((link (aiex-link))) (setq aiex--last-link link))
      (and aiex--last-link (aiex-link-live-p aiex--last-link) aiex--last-link)
      (user-error
       (if (file-remote-p default-directory)
           "No aiex-lsp here: it reads local files; `aiex-eglot' runs it on the other host"
         "No aiex-lsp here: M-x eglot, M-x lsp or M-x aiex-beside-mode, see editors/emacs.md"))))

(cl-defgeneric aiex-link-live-p (link)
  "Return non-nil while the server of LINK runs."
  (ignore link)
  t)

(defun aiex-read-on (server)
  "Have messages of SERVER read that came together with an answer.
The jsonrpc of Emacs 28 and 29 leaves the filter when the answer somebody waits
for is there; what stands behind it waits for the next output, maybe for ever."
  (when-let* ((process (ignore-errors (jsonrpc--process server)))
              (filter (and (processp process) (process-filter process))))
    (run-at-time 0 nil (lambda ()
                         (when (and (process-live-p process) (eq filter (process-filter process)))
                           (funcall filter process ""))))))

(defun aiex-link-call (link method params)
  "Return the result of METHOD with PARAMS over LINK; for what answers at once.
Clients leave the filter of their process when an answer they wait for is there,
and may lose what came along with it; this one does not."
  (let ((until (+ (float-time) 30))
        answer)
    (aiex-link-request link method params
                       (lambda (result) (setq answer (list 'done result)))
                       (lambda (problem) (setq answer (list 'failed problem))))
    (while (and (null answer) (< (float-time) until))
      (accept-process-output nil 0.05))
    (pcase answer
      (`(done ,result) result)
      (`(failed ,problem) (user-error "Aiex: %s" (aiex--problem problem)))
      (_ (user-error "Aiex: no answer to %s within 30 seconds" method)))))

;;; Work

(cl-defstruct aiex-work
  "One call to a model: its TOKEN, TITLE and LINK, and whom to tell of what.
BEGUN is non-nil once the server knows the token, UNWANTED once it was cancelled."
  token title link delta restart report failed done begun unwanted)

(defvar aiex--works nil
  "Work under way, the latest first.")

(defvar aiex--counter 0
  "How many tokens were given out.")

(defvar aiex-work-hook nil
  "Run when work begins, ends or says what it is doing.")

(defun aiex--token ()
  "Return a fresh token."
  (format "aiex-el-%d-%d" (emacs-pid) (cl-incf aiex--counter)))

(cl-defun aiex-work-start (link method params
                                &key title command delta restart report done failed)
  "Have LINK's server do METHOD with PARAMS and return the work.
With COMMAND non-nil it goes as a command, whose edits the server applies.
TITLE names it.  DELTA gets pieces of text, RESTART a provider's name when the
text begins anew, REPORT what is being done, DONE the result, FAILED a message
and the error."
  (let* ((token (aiex--token))
         (work (make-aiex-work :token token :title title :link link :delta delta
                               :restart restart :report report :failed failed))
         (params (append params (list :workDoneToken token)
                         (unless command (list :partialResultToken token))
                         (when command (list :wait t)))))
    (push work aiex--works)
    (setq aiex--last-link link)
    (run-hooks 'aiex-work-hook)
    (aiex-link-request
     link
     (if command "workspace/executeCommand" method)
     (if command (list :command method :arguments (vector params)) params)
     (lambda (result)
       (aiex--work-end work)
       (when done (funcall done result)))
     (lambda (problem) (aiex--work-fail work problem)))
    work))

(defun aiex--problem (problem)
  "Return a plain sentence for the JSON-RPC error PROBLEM."
  (pcase (plist-get problem :code)
    (-32800 "cancelled")
    (-1 "the server has ended")
    (_ (or (plist-get problem :message) "the server gave no reason"))))

(defun aiex--work-fail (work problem)
  "Take note that WORK ended with the error PROBLEM, and tell of it, once."
  (unless (aiex-work-done work)
    (aiex--work-end work)
    (let ((text (aiex--problem problem)))
      (if (aiex-work-failed work) (funcall (aiex-work-failed work) text problem)
        (message "aiex: %s: %s" (aiex-work-title work) text)))))

(defun aiex--work-end (work)
  "Take note that WORK is over."
  (setf (aiex-work-done work) t)
  (setq aiex--works (delq work aiex--works))
  (run-hooks 'aiex-work-hook))

(defun aiex-work-cancel (work)
  "Have the server stop WORK; it then answers that it was cancelled.
A server that has not begun it would not know what is meant: it is told later."
  (setf (aiex-work-unwanted work) t)
  (when (aiex-work-begun work) (aiex--send-cancel work)))

(defun aiex--send-cancel (work)
  "Tell the server that WORK is unwanted."
  (aiex-link-notify (aiex-work-link work) "window/workDoneProgress/cancel"
                    (list :token (aiex-work-token work))))

(defun aiex--progress (token value)
  "Take VALUE of a $/progress under TOKEN; return nil where it is nothing of ours."
  (when-let ((work (cl-find token aiex--works :key #'aiex-work-token :test #'equal)))
    (unless (aiex-work-begun work)
      (setf (aiex-work-begun work) t)
      (when (aiex-work-unwanted work) (aiex--send-cancel work)))
    (cond
     ((plist-get value :delta)
      (when (aiex-work-delta work)
        (funcall (aiex-work-delta work) (plist-get value :delta))))
     ((plist-member value :restart)
      (when (aiex-work-restart work)
        (funcall (aiex-work-restart work) (plist-get value :provider))))
     ((and (plist-get value :message) (aiex-work-report work))
      (funcall (aiex-work-report work) (plist-get value :message))))
    t))

(defun aiex--link-gone (link)
  "Forget the work of LINK, whose server has ended."
  (dolist (work aiex--works)
    (when (eq (aiex-work-link work) link)
      (aiex--work-fail work '(:message "the server has ended"))))
  (when (eq link aiex--last-link) (setq aiex--last-link nil)))

(provide 'aiex-link)
;;; aiex-link.el ends here
