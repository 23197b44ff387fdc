;;; emacs.el --- What the scenarios of a programmer at Emacs share  -*- lexical-binding: t; -*-

;; What they see goes as JSON into $AIEX_SEEN.

(require 'json)
(require 'cl-lib)
(require 'subr-x)

(defvar seen nil)
(defvar said nil)
(setq inhibit-message nil
      make-backup-files nil
      create-lockfiles nil
      native-comp-deferred-compilation nil ; a new home each time: it would compile all anew
      native-comp-jit-compilation nil)

(defun see (name value)
  (push (cons name value) seen))

(defun leave ()
  (with-temp-file (getenv "AIEX_SEEN")
    (insert (json-encode (cons (cons 'said (vconcat (reverse said))) (reverse seen)))))
  (let ((kill-emacs-hook nil)) (kill-emacs 0)))

(defun wait-for (what condition &optional seconds)
  "Wait until CONDITION holds; leave stuck at WHAT after SECONDS."
  (let ((until (+ (float-time) (or seconds 20))) value)
    (while (not (setq value (funcall condition)))
      (when (> (float-time) until)
        (see 'stuck what)
        (dolist (name '("*aiex*" "*aiex status*" "*aiex doctor*"))
          (see name (text-of name)))
        (leave))
      (accept-process-output nil 0.02))
    value))

(advice-add 'message :before
            (lambda (format &rest arguments)
              (when format (push (apply #'format-message format arguments) said))))

(defun was-said (text)
  (seq-find (lambda (one) (string-match-p text one)) said))

(defun text-of (buffer)
  (and (get-buffer buffer)
       (with-current-buffer buffer (substring-no-properties (buffer-string)))))

(defun shows (buffer text)
  (and (get-buffer buffer) (string-match-p text (text-of buffer))))

(defun buffer-with (name text)
  (seq-find (lambda (buffer)
              (and (string-match-p name (buffer-name buffer))
                   (with-current-buffer buffer (string-match-p text (buffer-string)))))
            (buffer-list)))

(defmacro choosing (answer &rest body)
  "Run BODY with ANSWER, the start of a candidate, given to each question."
  (declare (indent 1))
  `(let ((last-nonmenu-event 'key))
     (cl-letf (((symbol-function 'completing-read)
                (lambda (_prompt items &rest _)
                  (let* ((names (mapcar (lambda (item) (if (consp item) (car item) item)) items))
                         (found (seq-find (lambda (name) (string-prefix-p ,answer name)) names)))
                    (push names offered)
                    (or found (error "%s is not offered in %S" ,answer names)))))
               ((symbol-function 'read-string) (lambda (&rest _) ,answer)))
       ,@body)))
(defvar offered nil)

(defun to-total ()
  "Go to the name of the function under test."
  (goto-char (point-min))
  (forward-line (string-to-number (getenv "AIEX_LINE")))
  (forward-char (string-to-number (getenv "AIEX_COLUMN"))))

;; What is the same whichever way aiex is reached; it is not loaded before the page's lines are.
(defvar aiex--works)
(defvar aiex--answers)

(defun idle ()
  (wait-for "the end of the work" (lambda () (null aiex--works))))

(defun begun ()
  (let ((work (car aiex--works)))
    (wait-for "the work's begin" (lambda () (aiex-work-begun work)))))

(defun back ()
  (undo-boundary)
  (let ((last-command nil)) (undo)))

(defun ask-on ()
  "Ask about the answer shown, keep the reply while it grows, go back to the answer."
  (aiex-follow-up "Why is nothing rounded?")
  (wait-for "its first words" (lambda () (shows "*aiex*" "Because")))
  (let ((kept (with-current-buffer "*aiex*" (aiex-answer-keep) (current-buffer))))
    (idle)
    (see 'follow_up (text-of kept))
    (kill-buffer kept))
  (aiex-answer-earlier 1)
  (see 'earlier (text-of "*aiex*")))

(defun change-documentation ()
  "Have documentation written, and take it back."
  (to-total)
  (undo-boundary)
  (aiex-document)
  (idle)
  (see 'documented (buffer-string))
  (back)
  (see 'documented_undone (buffer-string)))

(defun take-template ()
  "Run the project's template on another model."
  (choosing "desk / gpt-older" (call-interactively #'aiex-select-provider))
  (to-total)
  (choosing "Explain to a beginner" (call-interactively #'aiex-run))
  (idle)
  (see 'template (text-of "*aiex*"))
  (see 'template_header (with-current-buffer "*aiex*" (substring-no-properties (aiex--header))))
  (aiex-select-provider nil))

(defun read-reports ()
  "Read what there is to read about providers, usage, setup and a prompt."
  (to-total)
  (aiex-status)
  (aiex-usage 7)
  (choosing "explain" (call-interactively #'aiex-show-prompt))
  (aiex-doctor)
  (wait-for "doctor" (lambda () (shows "*aiex doctor*" "ok\\|warning\\|error")))
  (dolist (name '(status usage prompt doctor))
    (see name (text-of (format "*aiex %s*" name)))))

(defun overtake ()
  "Change the text at the same place while the model thinks; run the edit again."
  (to-total)
  (forward-line 1)
  (aiex-refactor "Do it a moment later")
  (begun)
  (save-excursion
    (goto-char (point-max))
    (search-backward "discount  #")
    (insert "2 * "))
  (idle)
  (see 'stale (buffer-string))
  (see 'stale_said (was-said "aiex-again"))
  (back))

(defmacro scenario (&rest body)
  "Run BODY as the programmer; whatever goes wrong is seen."
  `(condition-case failed
       (progn ,@body (leave))
     (error (see 'stuck (format "%S" failed)) (leave))))
