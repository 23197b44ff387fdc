;;; aiex-show.el --- The buffer that shows aiex's answers  -*- lexical-binding: t; -*-

;; SPDX-License-Identifier: MIT

;;; Commentary:

;; Answers stream into the buffer *aiex*.  Point and window stay where the
;; reader has them.  Earlier answers are kept and can be gone back to.

;;; Code:

(require 'cl-lib)
(require 'subr-x)
(require 'aiex-link)

(declare-function gfm-view-mode "ext:markdown-mode")
(declare-function aiex-follow-up "aiex")
(declare-function aiex-cancel "aiex")

(defgroup aiex nil
  "Explanations, reviews, tests and edits from the model you choose."
  :group 'tools
  :prefix "aiex-")

(defcustom aiex-answer-buffer "*aiex*"
  "Name of the buffer that shows answers."
  :type 'string)

(defcustom aiex-answers-kept 20
  "How many earlier answers can be gone back to."
  :type 'natnum)

(cl-defstruct aiex-answer
  "A shown text: its ID as an answer, its VIEW, TITLE, TEXT, STATE, WORK and LINK.
VIEW is the id under which the server shows a text of its own accord."
  id view title text state work link)

(defvar aiex--answers nil
  "Shown answers, the latest first.")

(defvar-local aiex--shown nil
  "The answer this buffer shows.")

(defvar aiex-answer-mode-map
  (let ((map (make-sparse-keymap)))
    (define-key map "f" #'aiex-follow-up)
    (define-key map "k" #'aiex-cancel)
    (define-key map "p" #'aiex-answer-earlier)
    (define-key map "n" #'aiex-answer-later)
    (define-key map "s" #'aiex-answer-keep)
    (define-key map "q" #'quit-window)
    map)
  "Keys in the buffer of answers.")

(define-minor-mode aiex-answer-mode
  "Keys for reading the answers of aiex."
  :lighter nil
  :keymap aiex-answer-mode-map
  (setq header-line-format (and aiex-answer-mode '(:eval (aiex--header)))))

(defun aiex--header ()
  "Return the header line: title, state and keys."
  (when-let ((answer aiex--shown))
    (concat " " (propertize (or (aiex-answer-title answer) "aiex") 'face 'bold) "  "
            (or (aiex-answer-state answer) "")
            (if (aiex-answer-work answer) "  [k] cancel"
              "  [f] follow up  [p]/[n] earlier/later  [s] keep  [q] close"))))

(defmacro aiex--in-view (answer &rest body)
  "Run BODY in each buffer that shows ANSWER: a kept one goes on as well."
  (declare (indent 1))
  `(dolist (view (buffer-list))
     (when (eq (buffer-local-value 'aiex--shown view) ,answer)
       (with-current-buffer view
         (let ((inhibit-read-only t)) ,@body)
         (set-buffer-modified-p nil)))))

(defun aiex-show-begin (title &optional link)
  "Show an empty answer with TITLE, which LINK is asked for, and return it."
  (let ((answer (make-aiex-answer :title title :text "" :state "asking…" :link link)))
    (push answer aiex--answers)
    (when-let ((old (nthcdr aiex-answers-kept aiex--answers)))
      (setq aiex--answers (butlast aiex--answers (length old))))
    (aiex--show answer)
    answer))

(defun aiex-show-add (answer piece)
  "Add PIECE to the text of ANSWER, at its end."
  (setf (aiex-answer-text answer) (concat (aiex-answer-text answer) piece)
        (aiex-answer-state answer) "answering…")
  (aiex--in-view answer
    (save-excursion
      (goto-char (point-max))
      (insert piece))))

(defun aiex-show-text (answer text &optional state)
  "Have TEXT as all of ANSWER, with STATE in the header."
  (setf (aiex-answer-state answer) state)
  (unless (equal text (aiex-answer-text answer))
    (setf (aiex-answer-text answer) text)
    (aiex--in-view answer (aiex--replace text)))
  (force-mode-line-update t))

(defun aiex-show-markdown (process id title markdown final)
  "Show MARKDOWN under TITLE; the same ID of PROCESS replaces what it showed.
FINAL is nil or `:json-false' while the text grows."
  (let* ((id (format "%s %s" (process-id process) id))
         (answer (or (cl-find id aiex--answers :key #'aiex-answer-view :test #'equal)
                     (aiex-show-begin title))))
    (setf (aiex-answer-view answer) id)
    (aiex-show-text answer markdown (if (memq final '(nil :json-false)) "answering…" nil))))

(defun aiex--replace (text)
  "Have TEXT as the current buffer's, with point and windows where they are."
  (let ((points (mapcar (lambda (window) (list window (window-point window) (window-start window)))
                        (get-buffer-window-list nil nil t)))
        (here (point)))
    (erase-buffer)
    (insert text)
    (goto-char (min here (point-max)))
    (pcase-dolist (`(,window ,at ,start) points)
      (set-window-start window (min start (point-max)) t)
      (set-window-point window (min at (point-max))))))

(defun aiex--show (answer)
  "Show ANSWER in the buffer of answers without selecting it."
  (with-current-buffer (get-buffer-create aiex-answer-buffer)
    (unless aiex-answer-mode
      (if (require 'markdown-mode nil t) (gfm-view-mode) (special-mode))
      (aiex-answer-mode 1))
    (setq aiex--shown answer
          buffer-undo-list t)
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert (aiex-answer-text answer))
      (goto-char (point-min)))
    (set-buffer-modified-p nil)
    (display-buffer (current-buffer))))

(defun aiex--shown-answer ()
  "Return the answer shown here, else in the buffer of answers, else the latest."
  (or aiex--shown
      (when-let ((view (get-buffer aiex-answer-buffer)))
        (buffer-local-value 'aiex--shown view))
      (car aiex--answers)))

;;;###autoload
(defun aiex-answer-show ()
  "Show again the answer last shown."
  (interactive)
  (let ((view (get-buffer aiex-answer-buffer)))
    (aiex--show (or (and view (buffer-local-value 'aiex--shown view)) (car aiex--answers)
                    (user-error "No answer yet: explain something first")))))

(defun aiex-answer-earlier (&optional count)
  "Show the answer COUNT before the one shown."
  (interactive "p")
  (let* ((at (or (cl-position (aiex--shown-answer) aiex--answers) 0))
         (to (+ at (or count 1))))
    (unless (and (>= to 0) (nth to aiex--answers))
      (user-error (if (< to at) "No later answer" "No earlier answer")))
    (aiex--show (nth to aiex--answers))))

(defun aiex-answer-later (&optional count)
  "Show the answer COUNT after the one shown."
  (interactive "p")
  (aiex-answer-earlier (- (or count 1))))

(defun aiex-answer-keep ()
  "Keep this buffer as it is; the next answer gets another one."
  (interactive)
  (unless aiex-answer-mode (user-error "This is no buffer of answers"))
  (let ((title (or (and aiex--shown (aiex-answer-title aiex--shown)) "answer")))
    (rename-buffer (generate-new-buffer-name (format "*aiex: %s*" title)))))

(defun aiex--footer (answer)
  "Return one line about ANSWER: who gave it, and what it cost."
  (let ((cost (plist-get answer :cost)))
    (string-join
     (delq nil (list (plist-get answer :provider) (plist-get answer :model)
                     (and (numberp cost) (if (zerop cost) "free" (format "$%.4f" cost)))
                     (and (eq (plist-get answer :cached) t) "cached")))
     " · ")))

(defun aiex-show-report (name text)
  "Show TEXT in the read-only buffer NAME."
  (with-current-buffer (get-buffer-create name)
    (special-mode)
    (let ((inhibit-read-only t))
      (erase-buffer)
      (insert text)
      (goto-char (point-min)))
    (display-buffer (current-buffer))))

(provide 'aiex-show)
;;; aiex-show.el ends here
