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

(defmacro scenario (&rest body)
  "Run BODY as the programmer; whatever goes wrong is seen."
  `(condition-case failed
       (progn ,@body (leave))
     (error (see 'stuck (format "%S" failed)) (leave))))
