/** The sign of Redoubt: a star fort seen from above, one bastion per state replica of five. */
export function Mark({ className }: { className?: string }) {
  return (
    <svg viewBox="0 0 24 24" aria-hidden className={className} fill="none">
      <path
        d="M12 1.6 14.7 7.2 20.9 5.4 19.4 11.7 23 16.6 16.7 18 15.4 22.4 12 19.6 8.6 22.4 7.3 18 1 16.6 4.6 11.7 3.1 5.4 9.3 7.2Z"
        stroke="currentColor"
        strokeWidth="1.6"
        strokeLinejoin="round"
      />
      <path d="M12 8.4 15.6 11 14.2 15.2H9.8L8.4 11Z" fill="currentColor" />
    </svg>
  );
}
